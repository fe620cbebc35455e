"""What the admin panel and the user's pages share: sessions, forms, layout, charts."""
