export const sampler = [];
