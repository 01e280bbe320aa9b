/**
 * The URL of the built file that holds this, in `dist/esm` or `dist/cjs`: from it the package finds its other files. A user's
 * bundler may leave it undefined, or naming a place where the other files are not.
 */
export const here: string | undefined = import.meta.url
