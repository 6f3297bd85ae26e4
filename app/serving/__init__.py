"""How the app is served: on this computer only, telling nobody, behind a guard."""
