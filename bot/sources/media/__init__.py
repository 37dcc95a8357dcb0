"""Pictures from TikTok's servers."""
