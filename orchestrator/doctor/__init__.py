"""What is wrong with a set-up, and what to do about it: values are looked up in one place and judged in another."""

from orchestrator.doctor.finding import Finding, exit_code
from orchestrator.doctor.looking import examine

__all__ = ["Finding", "examine", "exit_code"]
