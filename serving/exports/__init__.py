"""Work lists where people work: CSV files, or a CRM's or a chat's address."""
