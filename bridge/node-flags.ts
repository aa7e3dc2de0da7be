// How Node is started for the bridge. A script, an image and a first line of main.ts cannot import it; a test
// holds them to it.

/**
 * Records in rings outlive the default young generation's few collections, and what is then garbage in the old
 * one stays for half a minute. With 2 MiB the process takes a third less memory, and the same after
 * 50,000 records as after 200,000 (docs/proof/kafka.md).
 */
export const nodeFlags: readonly string[] = ["--max-semi-space-size=2"];
