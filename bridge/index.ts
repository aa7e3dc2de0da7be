// What tests and dev tools outside this folder may use of the bridge: the log of its own and the server.

export * from "./embedded/index.ts";
export * from "./http/server.ts";
export * from "./http/access.ts";
export * from "./http/credentials.ts";
export * from "./http/credentials-file.ts";
export * from "./http/metrics.ts";
export * from "./http/password-hash.ts";
export * from "./produce-once.ts";
