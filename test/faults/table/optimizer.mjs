export const optimizer = [];
