import { loadDump } from 'golden-logits'

// shared
// shared-vitest
