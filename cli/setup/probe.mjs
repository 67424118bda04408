// In: the environment it is started with. Out: one JSON line on stdout that describes the adapter Dawn finds, or exit status 1
// with the reason on stderr (2 where Dawn itself does not load). Invariant: it runs as a process of its own, because the Vulkan loader reads LD_LIBRARY_PATH only
// when a process starts, and because a broken driver may take the process down.

const dawn = await import("webgpu").catch((error) => {
  console.error(`Dawn itself does not load: ${error.message}`);
  process.exit(2);
});
const gpu = dawn.create([]);
const adapter = await gpu.requestAdapter();
if (adapter === null) {
  console.error("Dawn found no adapter");
  process.exit(1);
}
const device = await adapter.requestDevice();
const { vendor, architecture, device: name, description, subgroupMinSize, subgroupMaxSize } = adapter.info;
console.log(
  JSON.stringify({
    vendor,
    architecture,
    device: name,
    description,
    subgroupMinSize,
    subgroupMaxSize,
    features: [...adapter.features].sort(),
  }),
);
device.destroy();
// Dawn's objects must stay referenced until its work is over: a collected one crashes the process.
Object.assign(globalThis, { held: [gpu, adapter, device] });
process.exit(0);
