"""How a message leaves the house: e-mail, webhooks, and every service that Apprise knows."""
