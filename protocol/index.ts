// The words both sides of the wire share: the one import path for the other folders.
// No I/O, no clock, no platform types below this folder.

export * from "./ascii-json.ts";
export * from "./base64.ts";
export * from "./dead-letter.ts";
export * from "./dialects.ts";
export * from "./errors.ts";
export * from "./headers.ts";
export * from "./ids.ts";
export * from "./kafka-rest.ts";
export * from "./kafka-rest-answers.ts";
export * from "./log-text.ts";
export * from "./outcomes.ts";
export * from "./partition.ts";
export * from "./record.ts";
export * from "./reply.ts";
export * from "./request.ts";
export * from "./signing-secrets.ts";
export * from "./sparse-log.ts";
export * from "./validation.ts";
export * from "./webhook.ts";
