"""What adapters share: HTTP, answers, signatures, digests, and the conformance tests."""
