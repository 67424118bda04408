export const programs = [];
