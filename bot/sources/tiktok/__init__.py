"""TikTok: live checks and profile pages."""
