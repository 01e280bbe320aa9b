/** A command line that makes no sense; told with a pointer to `--help`. */
export class UsageError extends Error {}
