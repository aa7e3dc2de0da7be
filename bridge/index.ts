// What tests and dev tools outside this folder may use of the bridge: the log, its parts, and the server.

export * from "./consumers.ts";
export * from "./embedded/embedded-groups.ts";
export * from "./embedded/embedded-log.ts";
export * from "./embedded/offsets-file.ts";
export * from "./groups.ts";
export * from "./log.ts";
export * from "./embedded/log-files.ts";
export * from "./produce-once.ts";
export * from "./http/server.ts";
