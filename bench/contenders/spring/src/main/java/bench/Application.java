package bench;

import java.time.Duration;
import java.util.UUID;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.ProducerFactory;
import org.springframework.kafka.listener.ConcurrentMessageListenerContainer;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;

/**
 * Template and reply container as the reference manual builds them, and the word that they are ready. What is asked over
 * HTTP is PredictController's; why which setting is what it is stands in index.ts beside pom.xml.
 */
@SpringBootApplication
public class Application {

    public static void main(String[] args) {
        SpringApplication.run(Application.class, args);
    }

    @Bean
    ReplyingKafkaTemplate<byte[], byte[], byte[]> replyingTemplate(
            ProducerFactory<byte[], byte[]> producers,
            ConcurrentMessageListenerContainer<byte[], byte[]> replies,
            @Value("${bench.reply-timeout}") Duration replyTimeout) {
        var template = new ReplyingKafkaTemplate<>(producers, replies);
        template.setDefaultReplyTimeout(replyTimeout);
        template.setSharedReplyTopic(true);
        return template;
    }

    @Bean
    ConcurrentMessageListenerContainer<byte[], byte[]> replies(
            ConcurrentKafkaListenerContainerFactory<byte[], byte[]> containers,
            @Value("${bench.replies}") String topic) {
        var replies = containers.createContainer(topic);
        var properties = replies.getContainerProperties();
        properties.setGroupId("bench-spring-" + UUID.randomUUID());
        properties.setSyncCommits(false);
        replies.setAutoStartup(false);
        return replies;
    }

    @Bean
    ApplicationRunner sayReady(
            ReplyingKafkaTemplate<byte[], byte[], byte[]> template, @Value("${bench.requests}") String requests) {
        return arguments -> {
            if (!template.waitForAssignment(Duration.ofSeconds(60))) {
                throw new IllegalStateException("Reply container did not initialize");
            }
            // Otherwise the first request waits until there is a producer and it knows the topic.
            template.partitionsFor(requests);
            System.out.println("ready");
        };
    }
}
