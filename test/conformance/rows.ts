// The list of everything the founding documents ask for: 133 rows, each an ID and what it demands. Which
// tests show a row is written in the titles of those tests, never here; match.ts brings the two together.

export interface Row {
  /** Stable; a test that shows the row carries it in square brackets in its title. */
  readonly id: string;
  /** What must be true, in one phrase. */
  readonly element: string;
}

/** Said apart from the table, so that a row that gets lost is noticed. */
export const expectedRowCount = 133;

export const rows: readonly Row[] = [
  // The core pattern: correlated request and reply, return address, timeouts, ghosts, headers.
  {
    id: "A1",
    element: "a blocking HTTP call over an asynchronous log: POST /predict is answered with the prediction",
  },
  { id: "A2", element: "every request gets a unique ID of its own and a waiter that is found by it" },
  { id: "A3", element: "one topic for requests and one for replies" },
  { id: "A4", element: "the record value is the input and nothing else; metadata travels in headers" },
  { id: "A5", element: "the responder joins the input with windowed aggregates before it calls the model" },
  { id: "A6", element: "the responder copies the correlation ID from the request's headers to the reply's" },
  { id: "A7", element: "the reply is consumed, its waiter completed, and the HTTP call answered" },
  { id: "A8", element: "with ten gateway instances each reply reaches the one that holds the call" },
  { id: "A9", element: "the return address names the reply topic and its partition" },
  {
    id: "A10",
    element: "each gateway owns a fixed reply partition, and the reply is produced to exactly that one",
  },
  { id: "A11", element: "no gateway reads and throws away replies that are meant for another" },
  { id: "A12", element: "a request without a reply ends in 504 at its timeout" },
  { id: "A13", element: "total latency is the sum of network, request queue, inference and reply queue" },
  {
    id: "A14",
    element: "the system is viable only while the 99th percentile of latency is below the timeout",
  },
  { id: "A15", element: "a timeout closes the HTTP call and forgets its waiter" },
  { id: "A16", element: "a ghost reply is dropped silently: no error log, no growth" },
  { id: "A17", element: "waiters are evicted by time, even if the reply is lost or its consumer has died" },
  {
    id: "A18",
    element: "a responder stalled by backpressure or a pause costs late requests a 504 and nothing more",
  },
  { id: "A19", element: "the latency distribution is drawn with the timeout at 100 ms as a line in it" },
  {
    id: "A20",
    element: "the area right of that line is the share of requests that time out though computed",
  },
  { id: "A21", element: "record headers are byte arrays and survive as such" },
  {
    id: "A22",
    element: "the stream job's serialization schema writes topic, partition and headers of a reply",
  },
  { id: "A23", element: "X-Correlation-ID carries a UUID" },
  { id: "A24", element: "X-Reply-Topic names the topic of the answer" },
  { id: "A25", element: "X-Reply-Partition names the partition of the gateway instance" },
  { id: "A26", element: "X-Creation-Timestamp gives the time in flight" },
  {
    id: "A27",
    element: "the responder is a pure function: REST, WebSocket or service, it does not know its caller",
  },
  { id: "A28", element: "a picture of the architecture with its synchronous and its asynchronous domain" },
  { id: "A29", element: "gRPC callers, beside HTTP: in scope or named as out of it" },

  // The REST gateway over many services, its variants, and deleting single messages.
  {
    id: "B1",
    element: "one gateway serves many services by configuration, each with a request and a reply topic",
  },
  {
    id: "B2",
    element: "a shop of orders, customers and baskets behind three instances that share a reply topic",
  },
  { id: "B3", element: "a basket is shown (GET); an order is validated and created (POST)" },
  {
    id: "B4",
    element: "behind its topic a service scales out, or goes down for maintenance, unseen by callers",
  },
  { id: "B5", element: "the gateway measures each service, as a service mesh does" },
  {
    id: "B6",
    element: "a correlation ID can be made so that it hashes to a reply partition its gateway owns",
  },
  {
    id: "B7",
    element: "or the ID is random, and the request is forwarded to the instance that owns its partition",
  },
  { id: "B8", element: "the request is tagged with its ID and the reply topic of its gateway" },
  { id: "B9", element: "the HTTP request is parked: waiting costs neither CPU nor polling" },
  { id: "B10", element: "the reply record is keyed by the correlation ID" },
  { id: "B11", element: "the key alone is enough to unblock the waiter" },
  { id: "B12", element: "GET works as POST does; a streaming GET marks its parts and its end" },
  { id: "B13", element: "when partitions move, outstanding requests may time out, but nothing hangs" },
  { id: "B14", element: "the gateway can run as a sidecar; how many reply topics that takes is said" },
  { id: "B15", element: "commands belong in Kafka, queries rarely: which to choose is explained" },
  { id: "B16", element: "a command stays on record and can be found again" },
  {
    id: "B17",
    element: "event-driven form: answer once an entity reaches a state, without a correlation ID",
  },
  { id: "B18", element: "WebSocket form: a table from request to socket brings each reply to the right one" },
  { id: "B19", element: "the node that holds a connection can be found from anywhere" },
  { id: "B20", element: "a producer interceptor appends a GUID to the record key" },
  { id: "B21", element: "a partitioner that ignores the GUID" },
  { id: "B22", element: "the topic is compacted" },
  { id: "B23", element: "any one message is deleted by a null under its key and GUID" },
  { id: "B24", element: "a consumer interceptor takes the GUID off again" },
  {
    id: "B25",
    element: "compaction spares the active segment, so a deletion takes effect only after it rolls",
  },
  { id: "B26", element: "the deletion trick, published untested, is tried out here" },
  { id: "B27", element: "erasure on legal demand reaches every place that keeps the data" },

  // Two shorter takes: request-reply with plain topics, and with a shared cache.
  { id: "C1", element: "names of the request and response topics" },
  { id: "C2", element: "the responder gives the request's correlation ID back in a header" },
  { id: "C3", element: "on a shared reply topic the requester filters by correlation ID" },
  { id: "C4", element: "Kafka Streams as an alternative that keeps the state of request-reply pairs" },
  { id: "C5", element: "timeouts and error handling for replies that never come" },
  { id: "C6", element: "performance is watched: synchronous waits can become a bottleneck" },
  { id: "C7", element: "what matters how much: correlation, asynchronous core, scalability, error handling" },
  { id: "D1", element: "whichever replica reads a reply puts it into a cache that all share" },
  { id: "D2", element: "the waiting node polls the cache under its correlation key" },
  { id: "D3", element: "no other message and no other node can make the same correlation ID" },
  { id: "D4", element: "a worker that fails publishes an error status under the correlation ID" },
  {
    id: "D5",
    element: "when not even the error can be published, the caller's own timeout of 3 or 6 s ends the wait",
  },
  { id: "D6", element: "a cache entry goes away when its timeout has passed" },
  { id: "D7", element: "the alternative by consumer group and record key" },
  { id: "D8", element: "the cache maps the correlation key to the data of the reply" },
  { id: "D9", element: "two flow charts: without and with the way back" },
  { id: "D10", element: "the shared cache is a Redis, runnable on a plain machine" },

  // Streaming inference: serving, features, model updates, figures, production readiness.
  { id: "E1", element: "embedded and external models side by side in one pipeline" },
  {
    id: "E2",
    element: "when to embed: under 500 MB, fast on CPU, below 10 ms, rare updates, a copy per task",
  },
  { id: "E3", element: "when to call out: GPU, A/B tests, canaries, weekly updates, a budget above 50 ms" },
  { id: "E4", element: "A/B and canary routing between model versions" },
  {
    id: "E5",
    element: "an asynchronous function with an invoke and a timeout path, which never blocks the stream",
  },
  {
    id: "E6",
    element: "capacity in flight of 10, 100 or 500; the server's P95 decides how deep the queue gets",
  },
  {
    id: "E7",
    element: "10 to 20 events per second when blocking, about 1,000 when 100 calls of 100 ms overlap",
  },
  {
    id: "E8",
    element: "after 5 s without inference the answer is a neutral 0.5 with error inference_timeout",
  },
  { id: "E9", element: "a failed inference answers with a null prediction and an error text" },
  { id: "E10", element: "the model server takes `instances` and gives `predictions`" },
  { id: "E11", element: "a result carries id, features, prediction, timestamp and latency since sent_at" },
  { id: "E12", element: "results in input order, or unordered and faster, by choice" },
  { id: "E13", element: "invalid predictions are filtered from what goes downstream" },
  { id: "E14", element: "features: last amount, amount ratio, count and average over 24 h, user risk score" },
  { id: "E15", element: "state is partitioned by user, without an external store" },
  { id: "E16", element: "value and map state, with entries that expire after 24 h" },
  { id: "E17", element: "RocksDB as state backend: incremental, with path and threads, larger than memory" },
  { id: "E18", element: "a new model goes live without a restart, while requests flow" },
  { id: "E19", element: "a broadcast model gives the published values: 0.533 and 0.433 under model_v2" },
  { id: "E20", element: "every parallel instance swaps its model atomically" },
  {
    id: "E21",
    element: "each prediction names its model version; rollouts are logged; a version can be queried",
  },
  { id: "E22", element: "while a rollout is under way it is on record which version scored what" },
  { id: "E23", element: "a model registry triggers the update" },
  { id: "E24", element: "feature state can be filled from a historical feature store" },
  { id: "E25", element: "a model is rolled back in less than a minute" },
  { id: "E26", element: "four pictures: embedded, external, features with async inference, model broadcast" },
  {
    id: "E27",
    element: "benchmark set-up: 128 features, two layers of 64, 1,000 msg/s, 5 min; percentiles, errors",
  },
  {
    id: "E28",
    element: "embedded figures to compare with: 987 msg/s, 0.8 / 2.1 / 4.3 ms, no errors, 65 % CPU",
  },
  { id: "E29", element: "external figures to compare with: 1,020 msg/s, 52 / 98 / 156 ms, 0.2 % errors" },
  {
    id: "E30",
    element: "combined figures to compare with: 980 msg/s, 65 / 145 / 210 ms, 0.1 % errors, 450 MB",
  },
  { id: "E31", element: "where time goes: features 5 to 8 ms, call 50 to 150 ms, collection 2 to 5 ms" },
  { id: "E32", element: "what lowers latency: embedding, capacity, state cache, parallelism" },
  {
    id: "E33",
    element: "what raises throughput: capacity over 100, unordered results, partitions, small batches",
  },
  { id: "E34", element: "what lowers errors: breaker, timeout, retry with backoff, error rates per version" },
  { id: "E35", element: "monitoring of latency, throughput, errors and the mix of model versions" },
  { id: "E36", element: "fallback when the model server dies: neutral, or the last result" },
  { id: "E37", element: "state has a time to live and does not grow without bound" },
  { id: "E38", element: "load-tested at twice and three times the expected peak, degrading gracefully" },
  { id: "E39", element: "features that are missing or late upstream are dealt with before inference" },
  { id: "E40", element: "drift of the predictions is watched per model version" },
  {
    id: "E41",
    element: "the breaker opens on 5 failures for 10 s and answers 0.5 with error circuit_broken",
  },
  { id: "E42", element: "bulkheads between services, and a timeout at every network edge" },
  { id: "E43", element: "transient errors are retried, permanent ones are not" },
  { id: "E44", element: "checkpoints: a crash loses no request and no state" },
  { id: "E45", element: "skew between busy and idle keys is noticed and countered" },
  { id: "E46", element: "late events: update, reject or window, by policy" },
  { id: "E47", element: "backpressure: a slow model server slows the source instead of filling memory" },
  { id: "E48", element: "a restart does not replay its backlog as a storm onto a weak server" },
  { id: "E49", element: "a model that takes 3 s under a timeout of 1 s gives timeouts and no failure" },
  { id: "E50", element: "tested against a server that is down, slow, or answers nonsense" },
  {
    id: "E51",
    element: "a fast model always, an accurate one on 10 %, with a warning when they differ by 0.05",
  },
  { id: "E52", element: "model and feature versions are coupled; a mismatch is refused" },
  { id: "E53", element: "profiles expire after 7 days, and keep the last ten entries or aggregates" },
  { id: "E54", element: "each decision leaves a JSON log of input, version, output, latency and time" },
  { id: "E55", element: "alerts and runbooks with which a fault at 2 a.m. is understood in minutes" },
  { id: "E56", element: "a chaos test at scale" },
  { id: "E57", element: "later optimization: batching, caching, pruning, and the share of serialization" },
  { id: "E58", element: "cold starts are measured and kept short" },
  { id: "E59", element: "frequent deploys, Kubernetes, autoscaling" },
  { id: "E60", element: "the pipeline in PyFlink: what that form can do, and what it cannot" },
];
