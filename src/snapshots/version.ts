/** Version of this package, as goldens record it: the one of package.json, which no build of ours can read at run time. */
export const PACKAGE_VERSION = '0.1.0'

/** Of the golden's files. A golden of a higher one is not read. */
export const FORMAT_VERSION = 1
