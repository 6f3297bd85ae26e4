"""What the app knows between two clicks: who is there, living plans, drafts, settings, answers that are kept."""
