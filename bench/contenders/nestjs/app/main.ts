// The application: no logger, as the adapter and Nest both offer; it listens when its client has its partitions.

import "reflect-metadata";
import { NestFactory } from "@nestjs/core";
import { FastifyAdapter, type NestFastifyApplication } from "@nestjs/platform-fastify";
import { AppModule } from "./app.module.js";

const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), {
  logger: false,
});
app.enableShutdownHooks();
await app.listen(Number(process.env["BENCH_PORT"]), "127.0.0.1");
console.log("ready");
