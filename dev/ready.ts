// Waits for something that was started to answer.

const pollMs = 100;
const answerTimeoutMs = 3_000;

/** Whether `url` answered with a 2xx within `timeoutMs`; gives up at once when `isEnding` says so. */
export async function becomesOk(url: string, timeoutMs: number, isEnding: () => boolean): Promise<boolean> {
  const giveUpAt = Date.now() + timeoutMs;
  while (!isEnding() && Date.now() <= giveUpAt) {
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(answerTimeoutMs) });
      if (response.ok) return true;
    } catch {
      // Not up yet.
    }
    await new Promise((wake) => setTimeout(wake, pollMs));
  }
  return false;
}
