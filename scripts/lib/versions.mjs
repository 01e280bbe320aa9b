// Exact versions of what the checks install, so that a check fails only because of a change in this repository.

export const VITEST_4 = 'vitest@4.1.12'
export const VITEST_5 = 'vitest@5.1.1'
export const JEST_30 = 'jest@30.5.2'
export const JEST_JSDOM = 'jest-environment-jsdom@30.5.2'
export const TS_JEST = 'ts-jest@29.4.15'
export const EXPECT_30 = 'expect@30.5.2'
export const JEST_GLOBALS = '@jest/globals@30.5.2'
export const JEST_TYPES = '@types/jest@30.0.0'
export const NODE_TYPES_20 = '@types/node@20.19.43'
export const NODE_TYPES_24 = '@types/node@24.19.2'

export const PUBLINT = 'publint@0.3.25'
export const ATTW = '@arethetypeswrong/cli@0.18.5'
export const ESBUILD = 'esbuild@0.28.2'
export const TYPESCRIPT_5 = 'typescript@5.9.3'

/** By major version. npm has packages with the binary, one per platform. */
export const NODES = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' }
