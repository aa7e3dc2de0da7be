// What keeps a broker from starting and can be mended by whoever starts it: one line, no stack.

export class KafkaStartError extends Error {
  override readonly name = "KafkaStartError";
}
