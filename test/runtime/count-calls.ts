// Counts the calls of a device and its queue that create objects, write or submit, for as long as it is not restored.

/** Wraps every `create…` method of `device`, `writeBuffer` and `submit` of its queue. */
export function countCalls(device: GPUDevice): { readonly calls: Record<string, number>; restore(): void } {
  const calls: Record<string, number> = {};
  const undo: (() => void)[] = [];
  const wrap = (object: object, names: readonly string[]) => {
    for (const name of names) {
      const original: unknown = Reflect.get(object, name);
      if (typeof original !== "function") continue;
      Object.defineProperty(object, name, {
        configurable: true,
        value: (...args: unknown[]) => {
          calls[name] = (calls[name] ?? 0) + 1;
          return Reflect.apply(original, object, args);
        },
      });
      undo.push(() => Reflect.deleteProperty(object, name));
    }
  };
  wrap(
    device,
    methods(device).filter((name) => name.startsWith("create")),
  );
  wrap(device.queue, ["writeBuffer", "writeTexture", "submit"]);
  return { calls, restore: () => undo.forEach((each) => void each()) };
}

function methods(object: object): string[] {
  const names = new Set<string>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at)) names.add(name);
  return [...names];
}
