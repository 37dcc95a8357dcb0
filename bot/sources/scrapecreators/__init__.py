"""ScrapeCreators: a paid service that reads TikTok's profiles for whoever has a key."""
