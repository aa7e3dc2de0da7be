package bench;

import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.kafka.requestreply.KafkaReplyTimeoutException;
import org.springframework.kafka.requestreply.ReplyingKafkaTemplate;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** One route: the body is asked for over Kafka, and its reply is the answer. No thread waits meanwhile. */
@RestController
public class PredictController {

    private final ReplyingKafkaTemplate<byte[], byte[], byte[]> template;
    private final String requests;

    PredictController(
            ReplyingKafkaTemplate<byte[], byte[], byte[]> template, @Value("${bench.requests}") String requests) {
        this.template = template;
        this.requests = requests;
    }

    @PostMapping(
            path = "/predict",
            consumes = MediaType.APPLICATION_JSON_VALUE,
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletableFuture<byte[]> predict(@RequestBody byte[] body) {
        return template.sendAndReceive(new ProducerRecord<>(requests, body)).thenApply(ConsumerRecord::value);
    }

    @ExceptionHandler(KafkaReplyTimeoutException.class)
    @ResponseStatus(HttpStatus.GATEWAY_TIMEOUT)
    void nobodyAnswered() {}
}
