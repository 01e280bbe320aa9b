/**
 * The URL of this file, from which the package finds its other files; the CommonJS half has its own version, written by
 * the build. A bundler may leave it undefined, or naming a place where the other files are not.
 */
// biome-ignore lint/suspicious/noTsIgnore: an error in one of the two builds only
// @ts-ignore
export const here: string | undefined = import.meta.url
