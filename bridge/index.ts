// What tests and dev tools outside this folder may use of the bridge: backends, their interfaces, the server.

export * from "./backend.ts";
export * from "./consumers.ts";
export * from "./embedded/index.ts";
export * from "./groups.ts";
export * from "./http/server.ts";
export * from "./http/access.ts";
export * from "./http/credentials.ts";
export * from "./http/credentials-file.ts";
export * from "./http/metrics.ts";
export * from "./http/password-hash.ts";
export * from "./kafka/index.ts";
export * from "./log.ts";
export * from "./produce-once.ts";
