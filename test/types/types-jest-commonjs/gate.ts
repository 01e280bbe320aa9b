import { loadDump } from 'golden-logits'
import { matchers } from 'golden-logits/matchers'

// shared

expect.extend(matchers)
