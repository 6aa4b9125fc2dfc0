"""The vendors' Python SDKs as clients."""
