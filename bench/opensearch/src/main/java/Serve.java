import org.codelibs.opensearch.runner.OpenSearchRunner;

/** Starts one node in the folder args[0], its HTTP on the first free port from args[1] + 1 on, until stdin ends. */
public final class Serve {
  public static void main(String[] args) throws Exception {
    var runner = new OpenSearchRunner();
    runner.onBuild((number, settings) -> settings.put("http.cors.enabled", false).put("discovery.type", "single-node"));
    runner.build(
        OpenSearchRunner.newConfigs()
            .clusterName("aisle-bench")
            .numOfNode(1)
            .basePath(args[0])
            .baseHttpPort(Integer.parseInt(args[1])));
    System.out.println("http://127.0.0.1:" + runner.node().settings().get("http.port"));
    System.out.flush();
    while (System.in.read() >= 0) {}
    runner.close();
    runner.clean();
    System.exit(0);
  }
}
