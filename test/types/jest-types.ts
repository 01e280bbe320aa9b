// biome-ignore-all lint/suspicious/noConfusingVoidType: it is what matchers return
import { loadDump } from 'golden-logits'
import 'golden-logits/jest'

// quick
