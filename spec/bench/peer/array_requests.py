"""Python requests reading the plain array at once:  array_requests.py BASE_URL"""
import sys

import requests

with requests.Session() as session:
    session.trust_env = False
    answer = session.get(sys.argv[1] + "/status", headers={"X-API-Key": "bench"})
    answer.raise_for_status()
    statuses = answer.json()
print(f"count={len(statuses)} checksum={sum(status['progress'] for status in statuses)}")
