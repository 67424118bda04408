export const kernels = [];
