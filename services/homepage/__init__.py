"""The homepage service: the gateway that composes personalized pages. README.md describes how a page is made."""
