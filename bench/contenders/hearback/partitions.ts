// Which reply partitions each of several gateways on one topic owns, and what its services are told of it.

import type { GatewayOptions, ServiceOptions } from "../../../worker/config.ts";

/** Of gateway `index` of `count`: every `count`th partition. Throws a RangeError when one would have none. */
export function ownedBy(index: number, count: number, partitions: number): number[] {
  if (count > partitions)
    throw new RangeError(`${partitions} partitions are too few for ${count} gateways to own one each`);
  return Array.from({ length: partitions }, (_, partition) => partition).filter(
    (partition) => partition % count === index,
  );
}

/** Services that say nothing of reply partitions get their share of the topic's. */
export function withOwnPartitions(
  options: GatewayOptions,
  share: { readonly index: number; readonly count: number; readonly partitions: number },
): GatewayOptions {
  const { index, count, partitions } = share;
  const replyPartitions =
    count === 1 ? partitions : { own: ownedBy(index, count, partitions), of: partitions };
  const services = Object.entries(options.services).map(([name, service]): [string, ServiceOptions] => [
    name,
    { replyPartitions, ...service },
  ]);
  return { ...options, services: Object.fromEntries(services) };
}
