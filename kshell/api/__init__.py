"""The API page as data: fields, rules, the request, the answers."""
