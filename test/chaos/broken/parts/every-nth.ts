// Says now and then that it is time to break something.

export function everyNth(n: number): () => boolean {
  let count = 0;
  return () => ++count % n === 0;
}
