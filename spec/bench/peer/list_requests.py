"""Python requests, one session:  list_requests.py BASE_URL"""
import sys

import requests

count = checksum = 0
params = {"paginated": "true", "limit": "100"}
with requests.Session() as session:
    session.headers["X-API-Key"] = "bench"
    session.trust_env = False
    while True:
        answer = session.get(sys.argv[1] + "/status", params=params)
        answer.raise_for_status()
        page = answer.json()
        for status in page["data"]:
            count += 1
            checksum += status["progress"]
        if not page["pagination"]["has_next_page"]:
            break
        params["cursor"] = page["pagination"]["next_cursor"]
print(f"count={count} checksum={checksum}")
