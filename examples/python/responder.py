"""Counts the words of the texts in texts.requests. Follows docs/protocol.md, and knows nothing else of Hearback."""

import json
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer

BROKERS = {"bootstrap.servers": sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9092"}
STAY_BEHIND = ("x-reply-", "x-http-", "x-stage-", "x-dead-letter-", "x-produce-id", "x-responder", "x-cancel", "x-principal", "content-type", "content-encoding")

producer = Producer({**BROKERS, "acks": "all", "partitioner": "murmur2_random", "message.timeout.ms": 30_000})
consumer = Consumer({**BROKERS, "group.id": "texts", "auto.offset.reset": "earliest", "enable.auto.offset.store": False,
                     "topic.metadata.refresh.interval.ms": 5_000})  # how soon a topic that is created later is found
counts = {"answered": 0, "skipped": 0}
ended = []


def answer(body):
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return b"The text is not UTF-8.", [("X-Reply-Status", b"422"), ("X-Reply-Error", b"not_utf8")]
    words = {"words": len(text.split()), "characters": len(text)}
    return json.dumps(words).encode(), [("Content-Type", b"application/json")]


def reply_to(request):
    headers = [(name, value or b"") for name, value in request.headers() or []]
    read = {name.lower(): value for name, value in headers}  # of duplicates the last one stays
    try:
        topic, correlation_id = read["x-reply-topic"].decode(), read["x-correlation-id"]
        partition = int(read.get("x-reply-partition", -1))  # -1: the partitioner's choice
        if read.get("x-cancel") == b"true":
            return "skipped"  # takes an earlier request back, which is answered by now
        expired = time.time() * 1_000 > int(read.get("x-deadline", sys.maxsize)) + 5_000  # clocks differ
    except (KeyError, ValueError):
        return "skipped"  # names nobody who could be answered
    if expired:
        return "skipped"
    try:
        body, said = answer(request.value() or b"")
    except Exception as error:
        print(repr(error), file=sys.stderr)
        body, said = b"", [("X-Reply-Error", b"responder_failed")]
    back = [header for header in headers if not header[0].lower().startswith(STAY_BEHIND)]
    try:
        producer.produce(topic, body, correlation_id, partition, on_delivery=delivered, headers=back + said)
    except KafkaException as error:  # no such partition, say: it must not stop the records behind it
        delivered(error, None)
    return "answered"


def delivered(error, _reply):
    if error is not None:
        print(f"a reply is given up: {error}", file=sys.stderr)


for name in (signal.SIGTERM, signal.SIGINT):
    signal.signal(name, lambda *_: ended.append(True))
consumer.subscribe(["texts.requests"], on_assign=lambda *_: print("answering texts.requests", flush=True))
while not ended:
    request = consumer.poll(0.5)
    if request is not None and request.error() is None:
        counts[reply_to(request)] += 1
        producer.flush()  # acknowledged, or given up after message.timeout.ms
        consumer.store_offsets(request)  # is committed in the background and by close()
consumer.close()
print(f"stopped: {json.dumps(counts)}")
