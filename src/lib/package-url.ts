/**
 * The URL of the built file that contains this module, in `dist/esm` or `dist/cjs`. The package uses it to find its
 * other files. In a user's bundle it may be undefined, or point to a folder without these files.
 */
export const here: string | undefined = import.meta.url
