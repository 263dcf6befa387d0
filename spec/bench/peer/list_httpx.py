"""Python httpx, one client:  list_httpx.py BASE_URL"""
import sys

import httpx

count = checksum = 0
params = {"paginated": "true", "limit": "100"}
with httpx.Client(headers={"X-API-Key": "bench"}, trust_env=False) as client:
    while True:
        answer = client.get(sys.argv[1] + "/status", params=params)
        answer.raise_for_status()
        page = answer.json()
        for status in page["data"]:
            count += 1
            checksum += status["progress"]
        if not page["pagination"]["has_next_page"]:
            break
        params["cursor"] = page["pagination"]["next_cursor"]
print(f"count={count} checksum={checksum}")
