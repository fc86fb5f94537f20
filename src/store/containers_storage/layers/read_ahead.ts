/** Yields the items, and requests the next item while the consumer still works on the current one. */
export async function* readAhead<T>(items: AsyncGenerator<T, void, undefined>): AsyncGenerator<T, void, undefined> {
  const start = () => {
    const next = items.next();
    // A consumer that stops early never awaits this promise, whose rejection would then be unhandled.
    next.catch(() => {});
    return next;
  };
  try {
    for (let next = start();;) {
      const { done, value } = await next;
      if (done) return;
      next = start();
      yield value;
    }
  } finally {
    await items.return();
  }
}
