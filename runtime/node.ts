// In: nothing but the machine. Out: an open device through Dawn (npm `webgpu`), the one file that imports it.
// Invariant: the object that `create` returns stays referenced for as long as the process lives; a collected one crashes the process.

import { type AdapterDescription, type Device, type DeviceOptions, listAdapters, NoAdapterError, openDevice } from "./device.js";

export { NodeFile, readTextFile, writeFileAtomically } from "./node-files.js";

/** Which adapter and backend Dawn opens. */
export interface NodeDeviceOptions extends DeviceOptions {
  /** Dawn toggles to switch on and off, beside those that are always on. */
  readonly enable?: readonly string[];
  readonly disable?: readonly string[];
  /** `vulkan`, `metal`, `d3d12`; absent: Dawn's choice. */
  readonly backend?: string;
}

/** f16 in shaders is hidden on NVIDIA's Vulkan driver unless asked for. */
const alwaysOn: readonly string[] = ["vulkan_enable_f16_on_nvidia"];

/** All roots and devices ever opened, so that none is collected while Dawn may still use it. */
const held: object[] = [];

/** Opens a device through Dawn: hardware before software. Throws `NoAdapterError` with what to do when there is none. */
export async function openNodeDevice(options: NodeDeviceOptions = {}): Promise<Device> {
  const settings = [`enable-dawn-features=${[...alwaysOn, ...(options.enable ?? [])].join(",")}`];
  if (options.disable !== undefined && options.disable.length > 0) settings.push(`disable-dawn-features=${options.disable.join(",")}`);
  if (options.backend !== undefined) settings.push(`backend=${options.backend}`);
  const root = await createRoot(settings);
  held.push(root);
  const device = await openDevice(root, options);
  held.push(device);
  return device;
}

/** Every adapter that Dawn offers here, each once. */
export async function listNodeAdapters(): Promise<readonly AdapterDescription[]> {
  const root = await createRoot([`enable-dawn-features=${alwaysOn.join(",")}`]);
  held.push(root);
  return listAdapters(root);
}

async function createRoot(settings: string[]): Promise<GPU> {
  let dawn: typeof import("webgpu");
  try {
    dawn = await import("webgpu");
  } catch (cause) {
    throw new NoAdapterError(
      "The npm package `webgpu` (Dawn) is not installed or has no binary for this machine: `npm install webgpu@0.6.2`.",
      { cause },
    );
  }
  return dawn.create(settings);
}
