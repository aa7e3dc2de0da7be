// The client of the documentation's `ClientsModule`, and the controller that uses it.

import { connect } from "node:net";
import { Module } from "@nestjs/common";
import { ClientsModule, Transport } from "@nestjs/microservices";
import { PredictController } from "./predict.controller.js";

@Module({
  imports: [
    ClientsModule.register([
      {
        name: "PREDICT",
        transport: Transport.KAFKA,
        options: {
          client: {
            clientId: "bench",
            brokers: (process.env["BENCH_BROKERS"] ?? "").split(","),
            socketFactory: ({ host, port, onConnect }) => connect({ host, port, noDelay: true }, onConnect),
          },
          consumer: {
            groupId: "bench.nestjs",
            allowAutoTopicCreation: false,
            minBytes: 1,
            maxWaitTimeInMs: 500,
          },
          run: { autoCommit: false },
          producer: { allowAutoTopicCreation: false },
          send: { acks: -1 },
        },
      },
    ]),
  ],
  controllers: [PredictController],
})
export class AppModule {}
