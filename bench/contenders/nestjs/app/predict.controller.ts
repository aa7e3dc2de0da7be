// One request over HTTP is one request over Kafka, and its answer the reply.

import {
  Body,
  Controller,
  GatewayTimeoutException,
  HttpCode,
  Inject,
  Post,
  type OnModuleInit,
} from "@nestjs/common";
import { ClientKafka } from "@nestjs/microservices";
import { firstValueFrom, timeout, TimeoutError } from "rxjs";

const topic = process.env["BENCH_REQUESTS"] ?? "";
const timeoutMs = 10_000;

@Controller()
export class PredictController implements OnModuleInit {
  constructor(@Inject("PREDICT") private readonly client: ClientKafka) {}

  async onModuleInit(): Promise<void> {
    this.client.subscribeToResponseOf(topic);
    await this.client.connect();
  }

  @Post("predict")
  @HttpCode(200)
  async predict(@Body() body: object): Promise<unknown> {
    try {
      return await firstValueFrom(this.client.send<unknown>(topic, body).pipe(timeout(timeoutMs)));
    } catch (cause) {
      if (cause instanceof TimeoutError) throw new GatewayTimeoutException();
      throw cause;
    }
  }
}
