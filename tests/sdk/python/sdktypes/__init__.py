"""The vendors' Python SDKs as second readers of everything that the translators emit."""
