"""A stand-in of ScrapeCreators (specs/tiktok-live.md 5.3): a profile, its posts by a cursor, credits."""
