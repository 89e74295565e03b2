"""What a person sees: reports, pages and their texts."""
