'use strict';
/*
 * Does the payment service answer this service's calls? One credit of the user is deducted and given
 * back, where there is one. Exit code 0: all answer; 1: something does not; 2: wrong configuration.
 *
 *   PAYMENT_SERVICE_API_KEY=sk_… node test-payment-connection.js [userId]
 */
const { PaymentClient, fail, readConfig } = require('./QUICK_START_EXAMPLE.js');

async function main() {
  const config = readConfig(['apiKey']);
  const userId = process.argv[2] || 'demo_user';
  const client = new PaymentClient(config);
  let failures = 0;

  async function step(name, call, describe) {
    try {
      const answer = await call();
      console.log(`✓ ${name.padEnd(44)} ${describe(answer)}`);
      return answer;
    } catch (error) {
      failures += 1;
      const status = error.status ? `${error.status} ` : '';
      console.log(`✗ ${name.padEnd(44)} ${status}${error.message}`);
      return undefined;
    }
  }

  console.log(`${config.url} as ${config.service}`);
  await step(
    'GET /subscriptions/:userId/validate-access',
    () => client.validateAccess(userId),
    (a) => `canAccess ${a.canAccess}, plan ${a.subscription.plan} (${a.subscription.status})`,
  );
  await step(
    'GET /blocklist',
    () => client.blocklist(),
    (users) => `${users.length} users stopped`,
  );
  const wallet = await step(
    'GET /balance/:userId',
    () => client.balance(userId),
    (a) => `${a.balance} ${a.currency}`,
  );
  if (wallet !== undefined && wallet.balance > 0) {
    const deducted = await step(
      'POST /deduct',
      () => client.deduct(userId, 1, 'connection_test'),
      (a) => `${a.transactionId}, ${a.previousBalance} → ${a.newBalance}`,
    );
    if (deducted !== undefined) {
      await step(
        'POST /reverse',
        () => client.reverse(deducted.transactionId, 'connection test'),
        (a) => `${a.amountReversed} back, balance ${a.newBalance}`,
      );
    }
  } else if (wallet !== undefined) {
    console.log(`– POST /deduct, POST /reverse: not tried, ${userId} has no credits`);
  }
  console.log(failures === 0 ? 'Everything answers.' : `${failures} calls failed.`);
  process.exitCode = failures === 0 ? 0 : 1;
}

main().catch(fail);
