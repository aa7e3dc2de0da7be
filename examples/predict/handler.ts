// What the example answers to a request record: a prediction, or 422 for what the model does not understand.

import type { HandlerReply, RequestMessage } from "../../responder/index.ts";
import { parsePredictRequest, predict } from "./model.ts";

export async function handlePredict(request: RequestMessage): Promise<HandlerReply> {
  const input = parsePredictRequest(parseJson(request.text()));
  if (input === undefined) {
    return { status: 422, json: { error: "an id and a list of numbers as features are needed" } };
  }
  const { delay_ms: delayMs = 0 } = input;
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  return { json: predict(input, Date.now()) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
